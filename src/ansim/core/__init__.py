"""What every feature stands on: settings, time, identity, storage, bus, web. Knows no feature."""
