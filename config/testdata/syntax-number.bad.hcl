consul {
  max_connections = 99999999999999999999
}
