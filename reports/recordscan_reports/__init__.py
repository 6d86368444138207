"""The built-in reports, one format per module. Each has `render(result)` and is a pure function of the result."""
