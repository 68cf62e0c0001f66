//! The endpoints, told by those who call them. One file an endpoint, like `src/routes`.

mod world;
