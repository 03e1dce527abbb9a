lb {
  trusted_proxies = ["10.0.0.0/33", "proxy.example"]
}
