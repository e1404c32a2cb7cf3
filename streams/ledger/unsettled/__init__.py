"""What only tenants without Invoice Settlement have: adjustments, credit balances, refunds of applied money."""
