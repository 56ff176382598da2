#include "adapters/ssn/peer/export_document.h"
