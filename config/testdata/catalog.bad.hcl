catalog {
  address = ""
}
