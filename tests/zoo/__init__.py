"""Wrong implementations, declared as data: what each does to the right result, to which quantities, its diagnosis."""

from zoo._defect import Defect, Right, harmful
from zoo.combined import COMBINED
from zoo.differences import DIFFERENCES
from zoo.local import LOCAL
from zoo.places import PLACES
from zoo.porting import PORTING
from zoo.precision import PRECISION
from zoo.programs import PROGRAMS
from zoo.relatives import RELATIVES
from zoo.scaling import SCALING

ZOO: tuple[Defect, ...] = (
    *SCALING,
    *PLACES,
    *RELATIVES,
    *COMBINED,
    *LOCAL,
    *PRECISION,
    *PROGRAMS,
    *PORTING,
    *DIFFERENCES,
)

__all__ = ["ZOO", "Defect", "Right", "harmful"]
