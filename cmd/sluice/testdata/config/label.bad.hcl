template "web" {
  source = "a"
}
