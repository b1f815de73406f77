"""A chain of one's own with pools of Uniswap V3 on it, behind a node that speaks JSON-RPC."""
