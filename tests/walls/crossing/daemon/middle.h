#include "daemon/heavy.h"
