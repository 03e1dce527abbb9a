lb {
  tls_options { min_version = "tls12" }
  tls_options "version" {
    min_version = "tls14"
    max_version = "VersionTLS9"
  }
  tls_options "cipher" {
    ciphers = ["TLS_AES_128_GCM_SHA256"]
    curves  = ["X25519", "P999"]
  }
  tls_options "type" {
    client_auth { type = "always" }
  }
  tls_options "nobody" {
    client_auth { type = "RequireAndVerifyClientCert" }
  }
  tls_options "key" {
    min_versoin = "tls12"
    client_auth { ca_file = "a.pem" }
  }
  tls_options "a@file" {}
  tls_options "Twice" {}
  tls_options "twice" {}
}

route "a" {
  host        = "a.example.com"
  service     = "a"
  tls_options = "twise"
}
