"""Translation between a dialect of the ERP's REST surface and the books. It decides nothing about money."""
