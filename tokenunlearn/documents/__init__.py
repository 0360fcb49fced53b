"""What is written for a person to keep: heatmaps and reports as files that open offline and load nothing."""
