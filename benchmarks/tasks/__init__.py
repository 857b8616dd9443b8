"""Small tasks beyond MNIST's dense layer; benchmarks/other_tasks.py trains networks on them."""

from tasks.case import Case, Samples
from tasks.digits import mnist, scanned_digits
from tasks.generated import addition, clusters, curve
from tasks.images import photographs
from tasks.text import characters

CASES = (scanned_digits(), clusters(), curve(), addition(), characters(), photographs(), *mnist())

__all__ = ["CASES", "Case", "Samples"]
