admin {
  listen     = "127.0.0.1:9998"
  strict_sni = true
}
