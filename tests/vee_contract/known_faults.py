"""Where the gateway does not yet do what the text asks. A test under one of these must fail: once it is mended, the run
fails until the mark is taken away, so no mark outlives its fault. docs/vee.md tells users of each."""
import unittest


def known(reason):
    def mark(test):
        assert reason
        return unittest.expectedFailure(test)
    return mark
