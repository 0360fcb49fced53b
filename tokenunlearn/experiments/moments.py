"""When an arm is measured: after its last step, or as soon as it forgets, or keeps, as far as the others."""

from typing import Final

EQUAL: Final = "equal forgetting"
RETAINED: Final = "equal retention"
LAST: Final = "last step"
MOMENTS: Final = (LAST, EQUAL, RETAINED)
