"""Image quality assessment in JAX: compiled, differentiable, held to the originals.

Example:
    >>> import jiqa
    >>> metric = jiqa.load("ssim")
    >>> metric.info.direction
    'higher'
"""

from jiqa import metrics as metrics
from jiqa.catalogue import list_metrics as list_metrics
from jiqa.catalogue import load as load
from jiqa.contract import Info as Info

__version__ = "0.1.0"
__all__ = ["Info", "__version__", "list_metrics", "load", "metrics"]
