admin {
  listen       = "127.0.0.1:9998"
  certificates = "sight"
  tls_min      = "tls9"
}
lb {
  listen = ":9999"
  certificates "site" { type = "selfsigned" }
}
