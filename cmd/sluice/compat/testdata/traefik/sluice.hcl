lb {
  listener {
    address = "{ip}:9999"
    name    = "web"
  }
  listener {
    address      = "{ip}:9443"
    name         = "websecure"
    proto        = "https+tcp+sni"
    certificates = "all"
  }
  listener {
    address   = "{ip}:9444"
    name      = "mtls"
    cert      = "certificates/lb.test.pem"
    client_ca = "authority.pem"
  }
  listener {
    address = "{ip}:9000"
    name    = "tcp"
    proto   = "tcp"
  }
  listener {
    address = "{ip}:9053"
    name    = "udp"
    proto   = "udp"
  }
  health {
    statuses = ["passing", "warning"]
  }
  certificates "all" {
    type = "path"
    cert = "certificates"
  }
}
tags {
  exposed_by_default = false
}
defaults {
  entrypoints = ["web", "websecure"]
}
