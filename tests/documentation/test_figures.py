"""The comparison shows the newest figures, and who is faster where we are not."""

from __future__ import annotations

from documentation import figures

RESULTS = """# Results

## 2026-11-25: another run

| server | clients | requests a second | p99, ms | errors |
|---|---|---|---|---|
| ours | 16 | 4,022 | 8.1 | 0 |

### 1 GiB

| tool | seconds (median) | spread |
|---|---|---|
| studio-action | 2.20 | 2.18 to 2.24 |
| curl | 0.59 | 0.59 to 0.69 |
| curl, 16 ranges | 0.50 | 0.49 to 0.52 |

### 4 GiB

| tool | seconds (median) | spread |
|---|---|---|
| studio-action | 8.65 | 8 to 9 |

## 2026-11-21: an old run

| server | clients | requests a second | p99, ms | errors |
|---|---|---|---|---|
| ours | 1 | 9,999 | 0.1 | 0 |
| ours | 16 | 1 | 9,999.0 | 0 |

### 1 GiB

| tool | seconds (median) | spread |
|---|---|---|
| studio-action | 99.0 | 98 to 100 |

### 10,000 files

| tool | seconds (median) | spread |
|---|---|---|
| dvc artifacts get | 3.83 | 3 to 4 |
| studio-action | 1.22 | 1 to 2 |
"""


def test_times__the_newest_of_each_work_and_the_best_is_bold() -> None:
    assert figures.times_rows(RESULTS) == (
        ["work", "studio-action", "curl", "dvc artifacts get"],
        [
            ["1 GiB", "2.2 s", "**0.50 s**", ""],
            ["10,000 files", "**1.2 s**", "", "3.8 s"],
        ],
    )


def test_servers__the_newest_of_each() -> None:
    _, rows = figures.server_rows(RESULTS)

    assert rows == [["ours", "4,022", "8.1 ms"]]
