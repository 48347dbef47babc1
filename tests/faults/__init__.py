"""The promise under faults: a view is live and right, or visibly not live."""
