#include "adapters/ssn/family.h"
#include "adapters/wire/ssn_export/codec/encode.h"
