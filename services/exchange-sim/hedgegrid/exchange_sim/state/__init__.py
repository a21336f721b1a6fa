"""The exchange's books on disk, so that they outlive its process."""
