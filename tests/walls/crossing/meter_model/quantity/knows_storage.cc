#include "storage/ingest.h"
