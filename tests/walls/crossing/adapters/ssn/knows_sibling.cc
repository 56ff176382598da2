#include "adapters/flexnet/family.h"
