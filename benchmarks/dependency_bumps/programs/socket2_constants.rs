//! A server that other programs may share its port with.

use std::io;
use std::net::{SocketAddr, TcpListener};

use socket2::{Domain, Socket, Type};

pub fn listener(address: SocketAddr, backlog: i32) -> io::Result<TcpListener> {
    let domain = if address.is_ipv4() { Domain::ipv4() } else { Domain::ipv6() };
    let socket = Socket::new(domain, Type::stream(), None)?;
    socket.set_reuse_address(true)?;
    socket.bind(&address.into())?;
    socket.listen(backlog)?;
    Ok(socket.into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn listens() {
        let bound = listener("127.0.0.1:0".parse().unwrap(), 4).unwrap();
        assert_ne!(bound.local_addr().unwrap().port(), 0);
    }
}
