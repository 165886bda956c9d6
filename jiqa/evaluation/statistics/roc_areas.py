"""Areas under ROC curves of several classifiers on the same cases, with covariance.

DeLong, DeLong and Clarke-Pearson, Biometrics 44, 1988, by the ranks of Sun and Xu, IEEE
Signal Processing Letters 21(11), 2014. Their covariance takes cases as independent.
Here a case is a pair of images, and pairs that share an image (or a reference) are not;
``covariance`` adds up what they have in common (Fafchamps and Gubert, J. Development
Economics 83, 2007).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import stats


@dataclass(frozen=True)
class Areas:
    """Areas of m classifiers.

    Attributes:
        area: the areas [m].
        influence: how much each case moves each area [m, cases]; sums to 0.
    """

    area: np.ndarray
    influence: np.ndarray

    def covariance(self, ends: np.ndarray | None = None) -> np.ndarray:
        """Covariance of the areas [m, m].

        Args:
            ends: the two clusters that each case joins [cases, 2]; cases without a
                common one are independent. Without it, all cases are.
        """
        single = self.influence @ self.influence.T
        if ends is None:
            return single
        low, high = ends.min(1), ends.max(1)
        count = int(high.max()) + 1
        touching = self._sums(low, count)
        apart = low != high
        touching += self._sums(np.where(apart, high, count), count + 1)[:, :count]
        # Cases that join the same two clusters have been counted at both.
        _, same = np.unique(low[apart] * count + high[apart], return_inverse=True)
        both = Areas(self.area, self.influence[:, apart])._sums(
            same, same.max(initial=-1) + 1
        )
        return touching @ touching.T - both @ both.T

    def p_values(self, ends: np.ndarray | None = None) -> np.ndarray:
        """Two-sided p of each difference of two areas [m, m], 1 on the diagonal.

        What cases have in common may only add to the variance of independent ones. With
        c clusters that is an estimate from c terms: it is multiplied by c / (c - 1),
        and Student's t with c - 1 degrees of freedom replaces the Gaussian.

        Args:
            ends: see ``covariance``.
        """
        variance = _of_differences(self.covariance())
        law = stats.norm
        if ends is not None:
            count = max(2, len(np.unique(ends)))
            law = stats.t(count - 1)
            common = _of_differences(self.covariance(ends)) * count / (count - 1)
            variance = np.maximum(variance, common)
        difference = np.abs(self.area[:, None] - self.area)
        z = np.divide(
            difference,
            np.sqrt(variance),
            out=np.zeros_like(difference),
            where=variance > 1e-24,
        )
        return 2 * law.sf(z)

    def _sums(self, groups: np.ndarray, count: int) -> np.ndarray:
        return np.stack(
            [np.bincount(groups, row, minlength=count) for row in self.influence]
        )


def roc_areas(positive: np.ndarray, negative: np.ndarray) -> Areas:
    """Probability that a positive case has the larger value; ties count half.

    Args:
        positive: values [m, p], infinities allowed.
        negative: values [m, q].

    Returns:
        The areas, and influences of the p positive and then the q negative cases.
    """
    p, q = positive.shape[1], negative.shape[1]
    together = stats.rankdata(np.concatenate([positive, negative], 1), axis=1)
    above = (together[:, :p] - stats.rankdata(positive, axis=1)) / q
    below = 1 - (together[:, p:] - stats.rankdata(negative, axis=1)) / p
    area = above.mean(1)
    centre = area[:, None]
    return Areas(area, np.concatenate([(above - centre) / p, (below - centre) / q], 1))


def mirrored_areas(right: np.ndarray) -> Areas:
    """Areas where every case counts in both orders: values against their negatives.

    A case is then one observation, not two, so that its influence is twice that of the
    positive alone.

    Args:
        right: values [m, cases].
    """
    n = right.shape[1]
    one_sided = roc_areas(right, -right)
    return Areas(one_sided.area, 2 * one_sided.influence[:, :n])


def _of_differences(covariance: np.ndarray) -> np.ndarray:
    variances = np.diag(covariance)
    return variances[:, None] + variances - 2 * covariance
