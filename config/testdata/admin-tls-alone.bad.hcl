admin {
  listen       = "127.0.0.1:9998"
  certificates = "site"
}
