consul {
  address = "a"
