"""`python -m sandbox.kafka`: a broker in the foreground."""

import argparse
import sys
from pathlib import Path

from sandbox.kafka.foreground import serve

if __name__ == "__main__":
    parser = argparse.ArgumentParser(prog="python -m sandbox.kafka", description="Run a Kafka broker on loopback.")
    parser.add_argument("--port", type=int, help="where clients connect (default: a free port)")
    parser.add_argument("--directory", type=Path, help="holds the data and is kept (default: a temporary directory)")
    arguments = parser.parse_args()
    sys.exit(serve(port=arguments.port, directory=arguments.directory))
