"use strict";

// A click on a heading, or Enter on it, sorts its table; empty cells stay last.
const keyOf = (cell) => cell.dataset.sort ?? cell.textContent.trim();
const asNumber = (text) => Number(text.replace("inf", "Infinity"));

function sortBy(head) {
  const table = head.closest("table");
  const was = head.getAttribute("aria-sort");
  const now = was ? (was === "ascending" ? "descending" : "ascending") : head.dataset.first;
  table.querySelectorAll("th[aria-sort]").forEach((other) => other.removeAttribute("aria-sort"));
  head.setAttribute("aria-sort", now);
  const body = table.tBodies[0];
  const rows = [...body.rows].map((row) => [keyOf(row.cells[head.cellIndex]), row]);
  const numeric = rows.every(([key]) => key === "" || !Number.isNaN(asNumber(key)));
  const sign = now === "ascending" ? 1 : -1;
  rows.sort(([a], [b]) => {
    if (a === "" || b === "") return (a === "") - (b === "");
    if (!numeric) return sign * a.localeCompare(b, undefined, { numeric: true });
    const x = asNumber(a), y = asNumber(b);
    return x === y ? 0 : sign * (x < y ? -1 : 1);
  });
  body.append(...rows.map(([, row]) => row));
}
document.querySelectorAll("thead th").forEach((head) => {
  head.querySelector("button").addEventListener("click", () => sortBy(head));
});

// The field above a long table keeps the rows that hold every word.
document.querySelectorAll("input[type=search]").forEach((field) => {
  field.addEventListener("input", () => {
    const words = field.value.toLowerCase().split(/\s+/);
    for (const row of field.closest(".searchable").querySelector("tbody").rows) {
      const text = row.textContent.toLowerCase();
      row.hidden = !words.every((word) => text.includes(word));
    }
  });
});

// A distortion of the legend stands out in all plots of its data set.
document.querySelectorAll(".legend button").forEach((button) => {
  button.addEventListener("click", () => {
    const on = button.getAttribute("aria-pressed") !== "true";
    button.parentElement.querySelectorAll("button").forEach((other) => {
      other.setAttribute("aria-pressed", String(on && other === button));
    });
    const cards = button.closest(".cards");
    if (on) cards.dataset.kind = button.dataset.kind;
    else delete cards.dataset.kind;
  });
});
