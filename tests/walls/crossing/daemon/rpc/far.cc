#include "daemon/middle.h"
