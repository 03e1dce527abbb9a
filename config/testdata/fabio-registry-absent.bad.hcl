fabio {
  registry {
    backend = "file"
    path    = "absent.txt"
  }
}
