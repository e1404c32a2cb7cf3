"""A world to try it in: a local broker, stand-ins for Zuora and QAD, and data a controller would believe.

Nothing here imports the product: what the product says about money is checked against books that share no code with it.
"""
