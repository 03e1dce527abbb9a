lb {
  listener {
    address      = ":8443"
    certificates = "one"
  }
  acme "one" {
    ca        = "http://ca.example/directory"
    email     = "nobody"
    key_type  = "rsa1024"
    challenge = "dns"
    storage   = "disk"

    eab {
      kid = "account-1"
    }
  }
  acme "one" {
    email   = "operator@example.com"
    storage = "file"
  }
  acme "two" {
    email  = "operator@example.com"
    folder = "/var/lib/acme"
  }
  acme "three" {
    email  = "operator@example.com"
    prefix = "/"
  }
  acme "four" {
    email     = "operator@example.com"
    challenge = "http"
    dns {
      provider = "cloudflare"
    }
  }
  acme "five" {
    email       = "operator@example.com"
    challenge   = "dns"
    entry_point = "web"
    dns {
      provider            = "digitalocen"
      resolvers           = ["1.1.1.1:"]
      delay_before_checks = "1h"
    }
  }
}
route "a" {
  host          = ["a.example.com"]
  targets       = ["http://10.0.0.1:80"]
  cert_resolver = "tow"
}
