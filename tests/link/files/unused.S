// A member that nothing needs: were it taken, it would be in the way.
#include "../abi.h"
    .text
FUNCTION unused
    call nowhere
    ret
FUNCTION main
    ret
