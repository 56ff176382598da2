// std.h and GoogleTest.
#pragma once
#include "std.h"

#include <gtest/gtest.h>
