"""Where the gateway does not yet do what the text asks. A test under one of these must fail: once it is mended, the run
fails until the mark is taken away, so no mark outlives its fault. docs/vee.md tells users of each."""
import unittest

ESTIMATES_END_AT_MIDNIGHT = "a gap that goes on over midnight is filled by each day alone"
USE_ONLY_FROM_DIALS = "V19 knows average use from dial readings only, not from intervals"
RUNS_MARKED_FROM_MIDNIGHT = "V20 and V21 count a run over midnight and mark the second day's part"
VENDORS_ESTIMATES_NOT_COUNTED = "V25 counts our own estimates only"
FEED_LOST_ON_A_SILENT_DAY = "a day further than two from the last value is judged by the default profile"
RISE_BEFORE_INSTALLATION = "V17 doubts any rise across an installation, not only a dial that turned over"
SUSPECT_FIGURE_OF_THE_GATEWAY = "the share that makes a threshold suspect is the strictest of all feeds"
HOURS_OFF_THE_UTC_GRID = "2.0.1 is not said of hours that begin at a half or a quarter of a UTC hour"


def known(reason):
    def mark(test):
        assert reason
        return unittest.expectedFailure(test)
    return mark
