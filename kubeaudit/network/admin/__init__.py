"""AdminNetworkPolicy, BaselineAdminNetworkPolicy and ClusterNetworkPolicy into masks (NET-80..99)."""
