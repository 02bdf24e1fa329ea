//! Pages as a whole: printed from known traces, over the router and from views.

mod addresses;
mod fixtures;
mod hostile;
mod printed;
