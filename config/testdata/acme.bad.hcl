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
}
route "a" {
  host          = ["a.example.com"]
  targets       = ["http://10.0.0.1:80"]
  cert_resolver = "tow"
}
