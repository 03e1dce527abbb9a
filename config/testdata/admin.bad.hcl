admin {
  listen = "9998"
}
