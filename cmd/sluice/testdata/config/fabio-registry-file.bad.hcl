fabio {
  registry { backend = "file" }
}
