"""How busy the machine is, for scripts that measure."""

import time
from pathlib import Path


def busy_percent():
    """How much of the processors other work takes, over a second."""
    def times():
        fields = [int(word) for word in Path("/proc/stat").read_text().split("\n", 1)[0].split()[1:9]]
        return sum(fields), fields[3] + fields[4]  # all, and idle or waiting for a disk

    total, idle = times()
    time.sleep(1)
    later, later_idle = times()
    return 100 * (1 - (later_idle - idle) / max(later - total, 1))
