"""The receiver of callouts: who may, how many, how long, and what is answered. It never asks Zuora."""
