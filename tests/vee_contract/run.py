#!/usr/bin/env python3
"""All tests that need a gateway, on one gateway. Each file also runs by itself."""
import sys
import unittest

import test_suspect

WITH_A_GATEWAY = ["test_checks", "test_history", "test_estimates", "test_civil_days", "test_random", "test_explain", "test_read_at",
                  "test_billing", "test_refusals", "test_suspect", "test_validated"]  # the last one changes the configuration

if __name__ == "__main__":
    names = sys.argv[1:] or WITH_A_GATEWAY
    if "test_suspect" in names:
        test_suspect.dropped()
    result = unittest.TextTestRunner(verbosity=2).run(unittest.defaultTestLoader.loadTestsFromNames(names))
    sys.exit(0 if result.wasSuccessful() else 1)
