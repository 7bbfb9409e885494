"""What an evaluation or benchmark leaves behind: JSON, CSV, Markdown and pages that need no network."""
