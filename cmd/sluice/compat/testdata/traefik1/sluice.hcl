lb {
  listener {
    address = "{ip}:9999"
    name    = "http"
  }
  listener {
    address = "{ip}:9443"
    name    = "https"
    cert    = "certificates/lb.test.pem"
  }
  listener {
    address   = "{ip}:9444"
    name      = "clients"
    cert      = "certificates/lb.test.pem"
    client_ca = "authority.pem"
  }
}
tags {
  exposed_by_default = true
  dialects           = ["traefik1"]
  traefik {
    default_dialect = "traefik1"
    domain          = "domain.test"
  }
}
defaults {
  entrypoints = ["http"]
}
