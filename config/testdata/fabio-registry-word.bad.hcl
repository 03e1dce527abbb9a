fabio {
  registry { backend = "costum" }
}
