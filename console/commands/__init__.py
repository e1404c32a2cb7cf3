"""The commands, by what people come for: setting up, running, operating, matching, reconciling, trying out."""
