admin {
  listen = "unix://"
}
